"""What users import. Sugar over operations: it holds no rules of its own and no state that is not recorded."""
