"""The page on which a data steward sees whether a dataset is sound."""
