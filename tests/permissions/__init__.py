"""Who may do what, shown: the real handlers and jobs under the roles of the template."""
