extension DataError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .planInvalid(let key, let found, let expected):
      "data make: \(key) is \(found), expected \(expected)."
    case .solverFailed(let equation, let reason, let remedy):
      "\(equation): \(reason). \(remedy)"
    case .noFiles(let pattern, let suffixes, let available):
      "\(pattern): no such data file (there \(Self.list(available))). Set data.root and "
        + "data.inputs.NAME.path to a file, a folder of .\(suffixes.joined(separator: "/.")) "
        + "files, or a name with *."
    case .listedFileMissing(let list, let file):
      "\(list): names \(file), which is not there, nor beside the list. Put it there, or set data.root."
    case .listEmpty(let path):
      "\(path): names no file. A list has a file on each line, and its class behind it."
    case .layoutUnknown(let path, let format, let expected, let available):
      "\(path): not laid out as \(format): expected \(expected); the file "
        + "\(Self.list(available)). Set data.format, or data.inputs.state.variable to the dataset."
    case .wrongRank(let path, let dataset, let expected, let found):
      "\(path): '\(dataset)' has shape \(found), expected \(expected) axes or the format's "
        + "counterpart in more space axes. Check data.format."
    case .shapesDiffer(let path, let first, let firstShape, let second, let secondShape):
      "\(path): '\(second)' has shape \(secondShape), but '\(first)' has \(firstShape). Fields of "
        + "one file must agree; select others with data.inputs.state.fields."
    case .empty(let path, let trajectories, let frames, let space):
      "\(path): nothing to read (\(trajectories) trajectories, \(frames) frames, grid \(space)). "
        + "Make or fetch the file again."
    case .fieldMissing(let field, let path, let available):
      "\(path): field '\(field)' not found (the file \(Self.list(available))). Correct "
        + "data.inputs.state.fields."
    case .componentsDiffer(let path, let fields, let components):
      "\(path): fields \(fields) have \(components) components; vectors read together need the same "
        + "number. Select fewer fields with data.inputs.state.fields."
    case .notFinite(let path, let trajectory, let frame, let field):
      "\(path): NaN or infinity in trajectory \(trajectory), frame \(frame), field '\(field)'. Make "
        + "the file again, or leave the trajectory out of the split."
    case .filesDiffer(let property, let first, let expected, let second, let found):
      "\(second): \(property) \(found), but \(first) has \(expected). Files of one source must "
        + "agree; read them as separate entries of data.sources."
    case .optionInvalid(let key, let found, let expected):
      "\(key) is \(found), expected \(expected)."
    case .splitOverlap(let identifier, let first, let second):
      "\(identifier) lies in both \(first) and \(second) of data.split. Give each part files of its "
        + "own."
    case .constantField(let field, let value):
      "field '\(field)' is \(value) throughout the training split and cannot be normalized by its "
        + "deviation. Leave it out with data.inputs.state.fields, or set normalize: none."
    case .bandMissing(let band, let input, let path, let available):
      "\(path): band '\(band)' not found (the file \(Self.list(available))). Correct "
        + "data.inputs.\(input).bands, or name the file's bands by dataset_bands."
    case .bandCountDiffers(let path, let input, let expected, let found):
      "\(path): \(found.count) bands (\(found.joined(separator: ", "))), expected the "
        + "\(expected.count) of input \(input) (\(expected.joined(separator: ", "))). Give a file with "
        + "these bands."
    case .identifierTwice(let identifier, let first, let second):
      "\(second) and \(first) are both called '\(identifier)' by the pattern. Put a * where their "
        + "names differ."
    case .componentMissing(let component, let area, let folder, let available):
      "area \(area) has no component \(component): \(folder) \(Self.list(available.sorted())). "
        + "Leave the area out with data.format.areas, or the input."
    case .sampleIncomplete(let identifier, let reason, let count):
      "sample '\(identifier)': \(reason) (\(count) such samples). Mend or give the files, or "
        + "set data.on_bad: skip, which leaves such samples out and lists them."
    case .tooManyBad(let count, let all, let allowed, let examples):
      "\(count) of \(all) samples are bad, data.max_skipped allows \(allowed): "
        + examples.joined(separator: "; ") + ". Mend the files, or raise data.max_skipped."
    case .footprintsOverlap(let found, let allowed, let example):
      "the share \(Float(found)) of the test part lies on training ground (\(example)), "
        + "data.split.max_leak allows \(allowed). Choose another data.split, or raise max_leak."
    case .valueNotFinite(let path, let band, let input):
      "\(path): NaN or infinity in band '\(band)'. If it marks missing values, set "
        + "data.inputs.\(input).no_data: .nan; else make the file again."
    case .bandWithoutValues(let band, let input):
      "band '\(band)' of input \(input) has no valid value in the training part. Leave it out with "
        + "data.inputs.\(input).bands."
    case .statisticsForeign(let band, let input, let found, let given, let deviations):
      "band '\(band)' of input \(input) averages \(Float(found)) in the training part, "
        + "\(Int(deviations)) deviations from the mean \(Float(given)) of "
        + "data.inputs.\(input).stats. Check scale, offset, unit and the order of bands, or leave "
        + "stats out."
    case .constantBand(let band, let input, let value):
      "band '\(band)' of input \(input) is \(value) throughout the training part and cannot be "
        + "normalized by its spread. Leave it out with data.inputs.\(input).bands, or set "
        + "normalize: none."
    case .classesNotTrained(let names, let part):
      "no pixel of class \(names.joined(separator: ", ")) is in the part \(part). Set "
        + "data.split.min_per_class, choose another data.split.method, seed or block, or leave the "
        + "class out with data.target.label_map and unmapped: ignore."
    case .leakTooLarge(let found, let allowed):
      "the share \(found) of the test pixels lies inside a training patch, data.split.max_leak allows "
        + "\(allowed). Choose data.split.method: spatial_block, or raise max_leak."
    case .variableAmbiguous(let path, let key, let available):
      "\(path): the array is not clear (the file \(Self.list(available))). Name it with \(key)."
    case .samplesDiffer(let sample, let field, let found, let expected):
      "sample '\(sample)': \(field) has shape \(found), the first sample's has \(expected). Samples "
        + "that are stored must be of one shape: crop them, or leave out train.cache_frozen_features."
    }
  }

  private static let shownNames = 12

  private static func list(_ names: [String]) -> String {
    guard !names.isEmpty else { return "has nothing" }
    let shown = names.prefix(shownNames).joined(separator: ", ")
    let rest = names.count - shownNames
    return rest > 0 ? "has \(shown) and \(rest) more" : "has \(shown)"
  }
}
