// Tests of Launch.
