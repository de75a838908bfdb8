"""Values of the user's code as parameters of a task, and parameters back as values of the types that the code has."""
