"""Every change that review makes. Keyword-only, one transaction, audited."""
