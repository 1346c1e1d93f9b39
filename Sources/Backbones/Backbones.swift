package import Recipes

/// The architectures that recipes can name.
package let backbones = Registry<any Backbone.Type>(
  kind: "backbone",
  [
    LESSViT.self,
    Morph.self,
    ViT.self,
    NAFNet.self,
    LoLASpecViT.self,
    Morph.self,
  ])
