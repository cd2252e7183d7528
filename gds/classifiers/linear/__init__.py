"""Ridge, lasso and logistic regression, their kernel forms, and what they share."""
