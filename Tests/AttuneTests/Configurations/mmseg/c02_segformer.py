model = dict(
    type='EncoderDecoder',
    backbone=dict(type='MixVisionTransformer', in_channels=3, embed_dims=32, num_stages=4),
    decode_head=dict(type='SegformerHead', in_channels=[32, 64, 160, 256], channels=256, num_classes=150),
    auxiliary_head=None)
train_dataloader = dict(
    batch_size=2, num_workers=2,
    dataset=dict(
        type='ADE20KDataset', data_root='data/ade', ann_file='',
        data_prefix=dict(img_path='images/training', seg_map_path='annotations/training'),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', reduce_zero_label=True),
                  dict(type='RandomResize', scale=(2048, 512), ratio_range=(0.5, 2.0), keep_ratio=True),
                  dict(type='RandomCrop', crop_size=(512, 512), cat_max_ratio=0.75),
                  dict(type='RandomFlip', prob=0.5), dict(type='PhotoMetricDistortion'),
                  dict(type='PackSegInputs')]))
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.00006, weight_decay=0.01),
    paramwise_cfg=dict(custom_keys={'head': dict(lr_mult=10.)}))
param_scheduler = [dict(type='PolyLR', power=0.9, begin=0, end=80000, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=80000, val_interval=8000)
