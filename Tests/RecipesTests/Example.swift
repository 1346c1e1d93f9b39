/// The four complete recipes of the contract, one per domain.
enum Example: String, CaseIterable {
  case landCover, hyperspectral, pdeTransfer, restoration

  var text: String {
    switch self {
    case .landCover: Self.landCoverText
    case .hyperspectral: Self.hyperspectralText
    case .pdeTransfer: Self.pdeTransferText
    case .restoration: Self.restorationText
    }
  }

  /// S1 and S2 to land cover: LESS ViT with LoRA.
  private static let landCoverText = #"""
    version: 1
    name: m3leo-landcover-less-lora
    seed: 0
    task: segmentation
    model:
      backbone: {name: less-vit, generation: 1, embed_dim: 768, depth: 12, num_heads: 12, patch_size: 16, rank: 1,
                 channel_embed_dims_per_head: 2, init_values: 1.0, use_perception_field_mask: true, attention_radius: 640}
      weights: weights/less_vit_b_mae.safetensors      # from a pretrain-mae run: none is published
      inputs: {optical: s2, radar: s1}
      decoder: less-upernet
    adapter:
      method: lora
      r: 8
      alpha: 16
      target_modules: [low_dim_pool.spatial_linear, spatial_branch.qk, spatial_branch.v, attn.proj, mlp.fc1, mlp.fc2]
    data:
      format: {name: m3leo, areas: [conus, southamerica]}
      root: data/m3leo
      inputs:
        s2: {component: s2rgbm-2020, bands: [07_red, 07_green, 07_blue], wavelengths: [664.6, 559.8, 492.4],
             unit: reflectance, scale: 0.0011764706, no_data: 0, resolution: 10, normalize: two-sigma}
        s1: {component: s1grd-2020, bands: [summer_vvasc, summer_vhasc], wavelengths: [5500, 5700],   # dummies, less-vit.md 12.1
             unit: db, no_data: 0, resolution: 10, normalize: two-sigma}
      target:
        component: esaworldcover-2020
        label_map: {10: 0, 20: 1, 30: 2, 40: 3, 50: 4, 60: 5, 70: 6, 80: 7, 90: 8, 95: 9, 100: 10}
        unmapped: ignore
        class_names: [tree cover, shrubland, grassland, cropland, built-up, bare, snow and ice, water, wetland, mangroves, moss and lichen]
      split: {method: column, file: "*/*_splits_60bands_*.csv", column: split}
      transforms: [{name: random-crop, size: 128}, horizontal-flip, vertical-flip]
      batch_size: 32
      on_bad: skip
    train:
      epochs: 10
      gradient_accumulation_steps: 8
      optimizer: {name: adamw, lr: 3e-4, betas: [0.9, 0.95], weight_decay: 0.01}
      lr_scheduler: {name: cosine, warmup_ratio: 0.2}
      precision: bf16
      early_stopping: {patience: 3}
    eval: {tiled_inference: {crop: 128, stride: 112, batch: 16}}
    sweep: {adapter.r: [4, 8, 16], seeds: [0, 1, 2]}
    """#

  /// Hyperspectral scene: LoLA-SpecViT, trained as its reference trains.
  private static let hyperspectralText = #"""
    version: 1
    name: potsdam-lola
    seed: 0
    task: pixel-classification
    model:
      backbone: {name: lola-specvit, dim: 64, depths: [2, 2, 2], num_heads: [4, 8, 16]}   # the `tiny` preset, lola-specvit.md 14
      weights: none              # reference: random frozen base, only the adapters learn; freeze_backbone: false trains all
      freeze_decoder: true
    adapter:
      - {name: blocks, method: gated-lora, r: 16, alpha: 32, init: reference, target_modules: [attn.qkv, attn.proj, mlp.0, mlp.3]}
      - {name: head, method: gated-lora, gate_residual: false, r: 16, alpha: 32, init: reference, target_modules: [head]}
    data:
      format: hyperspectral-scene
      root: data/hyperspectral/enmap_potsdam
      inputs:
        image:                   # HDF5 instead: {path: NEON_D03.h5, variable: SITE/Reflectance/Reflectance_Data}
          {path: EnMAP_Potsdam.mat, variable: enmap_potsdam, wavelengths: {variable: wavelength_nm}, unit: reflectance,
           scale: 1e-4, no_data: -32768, normalize: per-patch, reduce: {method: pca, components: 15, whiten: true, fit_on: train}}
      target: {path: EnMAP_Potsdam_gt.mat, variable: enmap_potsdam_gt, unlabelled: 0,
               class_names: [roof, pavement, low vegetation, tree, soil, water]}
      patch: {size: 15, padding: zero}
      split: {method: spatial_block, fractions: [0.5, 0.2, 0.3], block: 32}
      batch_size: 32
    train:
      epochs: 100
      gradient_accumulation_steps: 2
      optimizer: {name: adamw, lr: 2e-5, weight_decay: 0.01}
      lr_scheduler: {name: cosine-restarts, t_0: 10, t_mult: 2, min_lr: 1e-6, warmup_epochs: 5}
      loss: {name: cross-entropy, label_smoothing: 0.1}
      clip_grad_norm: 0.5
      eval_every: 5 epochs
      early_stopping: {patience: 15}
    """#

  /// PDE transfer: MORPH, level 1.
  private static let pdeTransferText = #"""
    version: 1
    name: cfd1d-morph-lora
    seed: 0
    task: pde
    model:
      backbone: {name: morph, size: Ti, max_ar: 1}
      weights: weights/morph-Ti-FM-max_ar1_ep225.pth
    adapter:
      method: lora
      r: 16
      alpha: 32
      dropout: 0.05
      target_modules: [attention, mlp]
      rank_pattern: {mlp: 12}
      alpha_pattern: {mlp: 24}
      modules_to_save: [norm1, norm2, decoder.norm, pos_encoding]
    data:
      format: pdebench
      root: data/pde
      inputs:
        state: {path: 1D_CFD_Rand_Eta0.01_Zeta0.01_periodic_Train.hdf5, fields: [Vx, density, pressure], normalize: per-trajectory}
      n_steps_input: 1
      n_steps_output: 1
      split: {method: trajectory, fractions: [0.8, 0.1, 0.1], seed: 42, generator: numpy-legacy}
      batch_size: 8
    train:
      epochs: 150
      optimizer: {name: adamw, lr: 1e-3, weight_decay: 0}
      lr_groups: [{match: [norm1, norm2, decoder.norm, pos_encoding], lr: 1e-4}]
      lr_scheduler: {name: plateau, factor: 0.5, patience: 5}
      monitor: val/loss
      early_stopping: {patience: 10}
    eval: {rollout_steps: 20, metrics: [VRMSE, nRMSE, RMSE, conserved, spectral]}
    """#

  /// Restoration: NAFNet with CoLoRA-restoration, second stage.
  private static let restorationText = #"""
    version: 1
    name: denoise-nafnet-colora
    seed: 0
    task: restoration
    model:
      backbone: {name: nafnet, width: 32, enc_blk_nums: [2, 2, 4, 8], middle_blk_num: 12, dec_blk_nums: [2, 2, 2, 2]}
      weights: weights/nafnet32_prod.safetensors       # first stage: adapter: {method: none} and PROD's five degradations
    adapter:
      method: colora-restoration
      target_modules: [conv]
      init: {name: contribution, source: taylor, samples: 32, budget: 0.07}     # experimental: the rank law is ours
      bias: all
      modules_to_save: [norm1, norm2, beta, gamma]
    data:
      format: image-folder
      root: data/restoration
      inputs: {image: {unit: dn, scale: 0.0039215686, normalize: none}}
      degrade: {list: [{name: gaussian-noise, sigma: 25}]}
      split: {method: files, train: "CBSD68/*.png", val: 0.15, test: "Kodak24/*.png"}
      transforms: [{name: random-crop, size: 256}, horizontal-flip, vertical-flip]
      batch_size: 4
    train:
      max_steps: 2000
      optimizer: {name: adamw, lr: 1e-3, betas: [0.9, 0.9], weight_decay: 0}
      lr_scheduler: {name: cosine, min_lr: 1e-7}
    eval: {metrics: [PSNR, SSIM], color_space: rgb, border: 0}
    """#
}
