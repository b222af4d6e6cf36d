"""The checks of every asset: `specs` names them, `factory` runs them."""
