"""What people have appended to a feed's inbox: requests that days are put right, and remarks.

Each line is dealt with once and gets an answer; what cannot be done now is tried again. Who dies
before the answer is followed by one who does it again, which changes nothing that was done.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline_assets.load import UnknownAsset, find_asset
from pipeline_assets.repair.planning import plan_repair
from pipeline_assets.repair.work import carry_out, new_run_id
from resources.appended import (
    ASKING,
    REQUESTS,
    Answer,
    Answered,
    Appended,
    Line,
    Malformed,
    Remark,
    Request,
)
from resources.inbox import is_being_written
from resources.known_days import is_known
from resources.remarks import store_remark
from resources.site import Site
from touchline.day import Day
from touchline.errors import Bad, Unavailable
from touchline.plan import FeedPlan

Progress = Callable[[str], None]
Said = tuple[Answered, str]


def answer_lines(
    site: Site, plan: FeedPlan, progress: Progress = lambda _: None
) -> tuple[list[Answer], list[str]]:
    """The answers that were given, and what waits. Who calls it is alone with the inbox."""
    answers, waiting = list[Answer](), list[str]()
    appended, now = Appended(site.inbox(plan.name).folder), site.clock.now()
    for file in ASKING:
        try:
            lines = list(appended.unanswered(file))
        except OSError as error:
            waiting.append(f"{file} cannot be read: {error.strerror}")
            continue
        for line in lines:
            site.record.beat()
            try:
                given = _answer(site, plan, appended, line, progress)
            except (Bad, Unavailable) as error:
                waiting.append(f"{file}: {error}")
            except Malformed as error:
                if line.is_open and is_being_written(appended.folder / file, now):
                    waiting.append(f"{file}: its last line is being written")
                else:
                    given = appended.answer(line, None, Answered.REFUSED, str(error), now)
                    answers.append(given)
            else:
                answers.append(given)
    return answers, waiting


def _answer(
    site: Site, plan: FeedPlan, appended: Appended, line: Line, progress: Progress
) -> Answer:
    said = line.read(Request) if line.file == REQUESTS else line.read(Remark)
    how, says = Answered.REFUSED, f"the id {said.id} was used before for something else"
    if not appended.used_before(line, said):
        progress(f"{line.file} {said.id}")
        how, says = _carry_out(site, plan, said, progress)
    return appended.answer(line, said.id, how, says, site.clock.now())


def _carry_out(site: Site, plan: FeedPlan, said: Request | Remark, progress: Progress) -> Said:
    try:
        day = Day.parse(said.date)
    except ValueError as error:
        return Answered.REFUSED, str(error)
    if not is_known(site, plan.name, day):
        return Answered.REFUSED, f"nothing is known of {day}"
    if isinstance(said, Remark):
        if store_remark(site.store, plan.name, day, said):
            return Answered.DONE, "it stands beside the day"
        return Answered.REFUSED, f"the id {said.id} stands for another remark on {day}"
    return _reprocess(site, plan, day, said, progress)


def _reprocess(site: Site, plan: FeedPlan, day: Day, said: Request, progress: Progress) -> Said:
    try:
        asset = None if said.asset is None else find_asset(site, said.asset)
    except UnknownAsset as error:
        return Answered.REFUSED, str(error)
    if asset is not None and asset.partition("/")[0] != plan.name:
        return Answered.REFUSED, f"{asset} is not of {plan.name}"
    named = asset is not None
    made = plan_repair(site, plan, day, asset=asset, named=named, progress=progress)
    totals = made.totals()
    counts = f"do {totals.do}, skip {totals.skip}, cannot {totals.cannot}"
    how = Answered.FAILED if totals.cannot else Answered.DONE
    if made.is_empty:
        return how, counts
    why = f"request {said.id}: {said.reason}"
    done = carry_out(site, made, run_id=new_run_id(), reason=why, progress=progress)
    if done.failures:
        return Answered.FAILED, f"{counts}: {'; '.join(done.failures)}"
    return how, f"{counts}, as {done.run_id}"
