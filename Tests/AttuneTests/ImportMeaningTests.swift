import Attune
import Foundation
import Recipes
import TestSupport
import Testing

/// Keys whose meaning is easily missed, program by program.
@Suite("Meanings of other programs' keys")
struct ImportMeaningTests {
  private func imported(_ format: String, _ name: String) throws -> ImportedConfiguration {
    try PeerConfiguration(format: format, name: name).imported()
  }

  // MARK: PEFTFormat

  @Test("PEFT: rank, scaling, modules and base")
  func peft() throws {
    let lora = try imported("peft", "lora-vit-small.json")
    #expect(try lora.field("adapter.method") == "\"lora\"")
    #expect(try lora.field("adapter.r") == "8" && lora.field("adapter.alpha") == "16")
    #expect(try lora.field("adapter.target_modules") == "[\"attn.qkv\",\"attn.proj\"]")
    #expect(try lora.field("model.backbone.model") == "\"vit_small_patch16_224\"")
    #expect(try lora.key("modules_to_save").fate == .defaulted)
    #expect(lora.lost.isEmpty, "\(lora.lost)")
    let names = try imported("peft", "lora-transformers.json")
    #expect(try names.field("adapter.target_modules") == "[\"attn.qkv[q,v]\"]")
    #expect(try names.field("adapter.bias") == "\"adapted\"")
    #expect(try names.field("adapter.use_rslora") == "true")
    #expect(try names.field("model.backbone.model") == "\"vit_base_patch16_224\"")
  }

  @Test("PEFT: patterns and regular expressions")
  func peftPatterns() throws {
    let found = try imported("peft", "lora-patterns.json")
    #expect(
      try found.field("adapter.rank_pattern")
        == #"{"blocks.11.attn.qkv":32,"re:(.*\\.)?(blocks\\.[0-3]\\.mlp\\.fc1)":4}"#)
    #expect(
      try found.field("adapter.target_modules")
        == #"["re:blocks\\.\\d+\\.(attn\\.qkv|mlp\\.fc[12])"]"#)
    #expect(try found.field("adapter.layers_to_transform") == "[6,7,8,9,10,11]")
    #expect(try found.field("model.backbone.model") == "\"vit_base_patch14_dinov2\"")
  }

  @Test("PEFT: fields of single methods, and what they refuse")
  func peftMethods() throws {
    let lokr = try imported("peft", "lokr.json")
    #expect(try lokr.field("adapter.method") == "\"lokr\"")
    #expect(
      try lokr.field("adapter.alpha") == "16" && lokr.field("adapter.decompose_factor") == "8")
    #expect(try lokr.field("adapter.rank_dropout") == "0.1")
    #expect(try lokr.key("use_effective_conv2d").fate == .defaulted)
    let oft = try imported("peft", "oft.json")
    #expect(try oft.key("coft").changesResult)
    #expect(try oft.field("adapter.r") == nil && oft.field("adapter.oft_block_size") == "32")
    let language = try imported("peft", "language-model.json")
    for key in ["base_model_name_or_path", "target_modules", "modules_to_save", "task_type"] {
      #expect(try language.key(key).changesResult, "\(key)")
    }
    #expect(
      try language.field("adapter.target_modules")
        == #"["attn.qkv[q,k,v]","attn.proj","mlp.fc1","mlp.fc2"]"#)
  }

  // MARK: TorchtuneFormat and AxolotlFormat

  @Test("torchtune: layers of attention and MLP, and its builders' default scaling")
  func torchtune() throws {
    let lora = try imported("torchtune", "01-llama-lora.yaml")
    #expect(
      try lora.field("adapter.target_modules")
        == #"["attn.qkv[q,v]","attn.proj","mlp.fc1","mlp.fc2"]"#)
    #expect(try lora.field("adapter.r") == "64" && lora.field("adapter.alpha") == "128")
    #expect(try lora.field("train.lr_scheduler.warmup_steps") == "100")
    #expect(try lora.field("train.precision") == "\"bf16\"")
    let silent = try imported("torchtune", "02-default-rank.yaml")
    #expect(try silent.field("adapter.r") == "8" && silent.field("adapter.alpha") == "16")
    #expect(try silent.key("model.lora_alpha").value == "not stated")
    #expect(try silent.field("adapter.target_modules") == #"["attn.qkv[q,k,v]"]"#)
    let short = try imported("torchtune", "04-dora.yaml")
    #expect(try short.field("train.max_steps") == "500" && short.field("train.epochs") == nil)
    #expect(try short.field("adapter.use_dora") == "true")
  }

  @Test("Adam's weight decay is not AdamW's")
  func adam() throws {
    let found = try imported("torchtune", "10-adam.yaml")
    #expect(try found.key("optimizer.weight_decay").changesResult)
    #expect(try found.field("train.optimizer.weight_decay") == "0")
    #expect(try found.key("optimizer.amsgrad").changesResult)
    #expect(try found.key("lr_scheduler.num_cycles").changesResult)
  }

  @Test("axolotl: linear layers, groups, accumulation, and the trainer's silent defaults")
  func axolotl() throws {
    let linear = try imported("axolotl", "02-qlora-linear.yaml")
    #expect(try linear.field("adapter.target_modules") == #"["all-linear"]"#)
    #expect(try linear.key("lora_target_modules").fate == .defaulted)
    #expect(try linear.key("adapter").changesResult)
    let groups = try imported("axolotl", "03-lr-groups.yaml")
    #expect(
      try groups.field("train.lr_groups")
        == #"[{"match":["attn.proj"],"lr":1e-06},{"match":["attn.qkv[q]"],"lr":1e-05}]"#)
    let steps = try imported("axolotl", "04-steps.yaml")
    #expect(try steps.field("train.gradient_accumulation_steps") == "4")
    #expect(try steps.field("data.batch_size") == "8")
    #expect(try steps.field("train.max_steps") == "500" && steps.field("train.epochs") == nil)
    #expect(try steps.field("train.optimizer.betas") == "[0.9,0.95]")
    #expect(try steps.field("seed") == "7")
    let silent = try imported("axolotl", "08-silent.yaml")
    #expect(try silent.field("train.optimizer.weight_decay") == "0")
    #expect(try silent.field("train.clip_grad_norm") == "1")
    #expect(try silent.field("train.lr_scheduler.name") == "\"cosine\"")
    #expect(try silent.field("seed") == "42")
    let least = try imported("axolotl", "06-min-lr.yaml")
    #expect(try least.field("train.lr_scheduler.min_lr") == "0.0001")
    #expect(try least.key("evals_per_epoch").changesResult)
  }

  // MARK: TerratorchFormat

  @Test("terratorch: folders, bands, statistics and the split of the fused matrix")
  func terratorch() throws {
    let floods = try imported("terratorch", "01-vit-upernet.yaml")
    #expect(try floods.field("data.root") == "\"data\"")
    #expect(try floods.field("data.inputs.image.path") == #""*/images/*_S2.tif""#)
    #expect(try floods.field("data.target.path") == #""*/labels/*_label.tif""#)
    #expect(try floods.field("data.split.val") == #""val/images/*_S2.tif""#)
    #expect(try floods.field("data.inputs.image.rgb_bands") == #"["RED","GREEN","BLUE"]"#)
    #expect(try floods.field("data.inputs.image.scale") == "0.0001")
    #expect(try floods.field("model.neck.blocks") == "[2,5,8,11]")
    #expect(try floods.field("data.target.ignore_index") == "-1")
    #expect(try floods.field("train.monitor") == "\"val/loss\"")
    #expect(try floods.field("data.transforms") == #"["random-rotate90","horizontal-flip"]"#)
    #expect(floods.lost.isEmpty, "\(floods.lost)")
    let lora = try imported("terratorch", "03-lora-qkv.yaml")
    #expect(
      try lora.field("adapter.target_modules") == #"["attn.qkv[q,v]","mlp.fc1","mlp.fc2"]"#)
    #expect(try lora.field("adapter.alpha") == "8", "PEFT's default, whatever r is")
    #expect(try lora.field("data.target.label_map") == #"{"1":0,"2":1,"3":2,"4":3,"5":4}"#)
    #expect(lora.lost.isEmpty, "\(lora.lost)")
  }

  @Test("terratorch: Accuracy is the mean over classes, devices multiply the batch")
  func terratorchMeanings() throws {
    let classes = try imported("terratorch", "04-classification.yaml")
    #expect(try classes.field("train.monitor") == "\"val/Accuracy_Macro\"")
    #expect(try classes.field("data.split.train") == #""train/*/*""#)
    let devices = try imported("terratorch", "07-devices.yaml")
    #expect(try devices.field("train.gradient_accumulation_steps") == "4")
    #expect(try devices.key("data.init_args.train_split").changesResult)
    let scars = try imported("terratorch", "02-burn-scars.yaml")
    #expect(try scars.key("data.init_args.no_data_replace").changesResult)
    #expect(try !scars.key("trainer.precision").changesResult)
    #expect(try scars.key("optimizer.init_args.weight_decay").changesResult)
    let overrides = try imported("terratorch", "08-lr-overrides.yaml")
    #expect(try overrides.field("train.max_steps") == "4000")
    #expect(try overrides.key("lr_scheduler").changesResult, "T_max is not the length of the run")
  }

  // MARK: MMSegFormat

  @Test("mmseg: iterations, warm-up, statistics, groups and folders")
  func mmseg() throws {
    let vit = try imported("mmseg", "c01_vit_upernet.py")
    #expect(try vit.field("train.max_steps") == "160000")
    #expect(try vit.field("train.lr_scheduler.name") == "\"linear\"")
    #expect(try vit.field("train.lr_scheduler.warmup_steps") == "1500")
    #expect(try vit.field("data.inputs.image.path") == #""images/*/*.tif""#)
    #expect(try vit.field("data.split.val") == #""images/val/*.tif""#)
    #expect(try vit.field("data.target.class_names") == #"["dry","flooded"]"#)
    #expect(try vit.field("eval.tiled_inference") == #"{"crop":512,"stride":341}"#)
    #expect(try vit.field("model.neck.name") == "\"feature2pyramid\"")
    #expect(
      try vit.field("train.lr_groups")
        == #"[{"match":"re:.*pos_embed.*","weight_decay":0},{"match":"re:.*norm.*","weight_decay":0}]"#
    )
    #expect(try vit.field("seed") == "3")
    #expect(vit.lost.isEmpty, "\(vit.lost)")
  }

  @Test("mmseg: stored 0 is no class, epochs are epochs, and powers are kept apart")
  func mmsegMeanings() throws {
    let zero = try imported("mmseg", "c04_reduce_zero.py")
    #expect(try zero.field("data.target.label_map.1") == "0")
    #expect(try zero.field("data.target.unmapped") == "\"ignore\"")
    #expect(try zero.field("data.format") == "\"image-folder\"")
    let epochs = try imported("mmseg", "c03_by_epoch.py")
    #expect(try epochs.field("train.epochs") == "60")
    #expect(try epochs.field("train.lr_scheduler.warmup_epochs") == "5")
    #expect(try epochs.field("train.eval_every") == "\"2 epochs\"")
    #expect(try epochs.field("train.optimizer.lr") == "0.00025")
    #expect(try epochs.field("train.precision") == "\"bf16\"")
    let power = try imported("mmseg", "c02_segformer.py")
    #expect(try power.key("param_scheduler.0").changesResult)
    let named = try imported("mmseg", "c08_lists.py")
    #expect(try named.key("train_dataloader.dataset.ann_file").changesResult)
  }
}
