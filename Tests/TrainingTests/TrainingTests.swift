// Tests of Training.
