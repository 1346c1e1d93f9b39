max_epochs = 60
model = dict(
    type='EncoderDecoder',
    backbone=dict(type='VisionTransformer', patch_size=8, embed_dims=192, num_layers=6, num_heads=3,
                  out_indices=[5], final_norm=True,
                  init_cfg=dict(type='Pretrained', checkpoint='https://example.org/vit.pth')),
    decode_head=dict(type='FCNHead', in_channels=192, channels=64, num_classes=4,
                     loss_decode=[dict(type='CrossEntropyLoss', loss_weight=1.0),
                                  dict(type='DiceLoss', loss_weight=3.0)]))
optim_wrapper = dict(
    type='AmpOptimWrapper', dtype='bfloat16', accumulative_counts=2,
    optimizer=dict(type='AdamW', lr=1e-3 / 4, betas=(0.9, 0.95)),
    clip_grad=dict(max_norm=1.0, norm_type=2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=True, begin=0, end=5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=True, begin=5, end=max_epochs, T_max=55),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=2)
default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=5, max_keep_ckpts=3))
