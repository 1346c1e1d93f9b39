package import Recipes

/// The architectures that recipes can name.
package let backbones = Registry<any Backbone.Type>(
  kind: "backbone",
  [
    LESSViT.self,
    LoLASpecViT.self,
    Morph.self,
    NAFNet.self,
    ViT.self,
  ])
