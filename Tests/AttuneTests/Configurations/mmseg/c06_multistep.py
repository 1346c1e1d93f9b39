model = dict(
    type='EncoderDecoder',
    backbone=dict(type='VisionTransformer', patch_size=16, embed_dims=192, num_layers=12, num_heads=3,
                  with_cls_token=False, with_cp=True, out_indices=(2, 5, 8, 11)),
    neck=dict(type='MultiLevelNeck', in_channels=[192, 192, 192, 192], out_channels=192, scales=[4, 2, 1, 0.5]),
    decode_head=dict(type='UPerHead', channels=128, num_classes=6, align_corners=True, dropout_ratio=0.0,
                     sampler=dict(type='OHEMPixelSampler', thresh=0.7),
                     loss_decode=dict(type='FocalLoss', use_sigmoid=False, gamma=2.0)))
optim_wrapper = dict(type='AmpOptimWrapper', optimizer=dict(type='Adam', lr=5e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', milestones=[10000, 15000], gamma=0.1, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=20000, val_interval=1000)
custom_hooks = [dict(type='EMAHook')]
