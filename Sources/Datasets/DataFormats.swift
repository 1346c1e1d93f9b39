package import Recipes

/// The layouts that `data.format` can name.
package let dataFormats = Registry<any DataFormat.Type>(
  kind: "data format",
  [
    GeoTIFFFormat.self,
    ImageFolderFormat.self,
    M3LEOFormat.self,
    PDEBenchFormat.self,
    PDEGymFormat.self,
    SceneFormat.self,
    TheWellFormat.self,
  ])
