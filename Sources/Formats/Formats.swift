/// Placeholder removed when the module gets its first file.
