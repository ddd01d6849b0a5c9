"""Who answers: the LanguageModel protocol and the engines behind it."""
