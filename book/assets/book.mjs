// Small repairs of the theme, so that every control's name contains what it shows.
