// Tests of Backbones.
