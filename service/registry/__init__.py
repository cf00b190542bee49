"""Who answers, by when: units, cells, categories, duties and policies; their import; the world built of them."""
