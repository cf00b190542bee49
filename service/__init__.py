"""sihu (四呼): an incident in a grid cell is called up four levels until somebody responds."""
