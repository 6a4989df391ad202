"""Who says what, and when: a teacher that is asked, or recordings."""
