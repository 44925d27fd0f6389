"""The data, overfitting a few images, and how many images it takes."""
