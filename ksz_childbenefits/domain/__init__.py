"""The rules: pure Python, standard library only; knows neither XML nor network."""
