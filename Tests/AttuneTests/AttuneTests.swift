// Tests of Attune.
