"""ChildBenefitsService: Belgian social security's child-benefit exchange in open Python."""
