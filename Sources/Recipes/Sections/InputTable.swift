extension InputSection {
  /// Fields that every format shares; others are the format's own selections.
  static let table: OptionTable = [
    Option(
      "path", .text, default: .described("the format's"), aliases: ["img_grep"],
      "files below root; * binds the sample's identifier"),
    Option(
      "component", .text, default: .described("the format's"),
      "a folder of the format's own layout"),
    Option(
      "variable", .text, default: .described("the only fitting one"),
      "variable of a .mat, dataset path in HDF5 or NetCDF"),
    Option("fields", FieldSelection.type, default: .described("all"), "PDE fields, in this order"),
    Option(
      "bands", .list(BandReference.type), default: .described("all"), aliases: ["output_bands"],
      "bands in the order asked for"),
    Option(
      "dataset_bands", .list(BandReference.type), default: .described("the file's names"),
      "names for files without them"),
    Option(
      "rgb_bands", .list(BandReference.type, count: 3...3), default: .absent,
      aliases: ["rgb_indices"], "bands shown as red, green, blue"),
    Option(
      "wavelengths",
      .either([
        .list(.number),
        .table([
          Option("variable", .text, default: .absent, "variable that holds them"),
          Option("file", .text, default: .absent, "file that holds them"),
          Option("linear", .list(.number, count: 2...2), default: .absent, "first and last"),
        ]),
      ]), default: .described("the file's"), range: .above(0), unit: "nm",
      "one per band"),
    Option(
      "unit", .text, default: .described("the file's"),
      "what a value means after scale: db, linear, reflectance, radiance, dn or other"),
    Option(
      "scale", .number, default: 1, aliases: ["constant_scale"], "value = stored x scale + offset"),
    Option("offset", .number, default: 0, "value = stored x scale + offset"),
    Option(
      "resolution", .number, default: .described("the file's, in meters"), range: .above(0),
      unit: "meters per pixel", "needed where the file's unit is degrees"),
    Option("no_data", .number, default: .described("the file's"), "the marker, as stored"),
    Option(
      "no_data_replace", .either([.oneOf(["mean"]), .number]), default: "mean",
      "what stands in its place after normalization"),
    Option(
      "missing", .choice(Missing.self), default: "any",
      "whether any or all missing bands make a pixel missing"),
    Option(
      "normalize", .choice(Normalization.self), default: .described("the format's"),
      "how values are normalized"),
    Option(
      "stats",
      .either([
        .oneOf(["auto"]),
        .path,
        .table([
          Option("means", .list(.number), default: .required, "per band"),
          Option("stds", .list(.number), default: .required, "per band"),
        ]),
      ]), default: "auto", "where the statistics come from"),
    Option(
      "resize", .either([.integer, .list(.integer, count: 2...2)]), default: .absent,
      range: .atLeast(1), unit: "pixels", "one size for rasters of differing sizes"),
    Option(
      "skip_constant_channels", .boolean, default: false,
      "whether a sample with a constant band counts as bad"),
    Option("reduce", .table(Reduction.table), default: .absent, "fewer bands"),
  ]
}
