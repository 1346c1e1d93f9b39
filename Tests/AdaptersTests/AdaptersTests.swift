// Tests of Adapters.
