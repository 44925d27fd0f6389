"""The drawings of Feature dimensions, first half. Each function returns a drawing for `publish.figure`."""
