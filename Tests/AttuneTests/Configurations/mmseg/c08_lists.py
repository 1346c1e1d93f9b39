"""Parts named by lists of names."""

train_dataloader = dict(
    batch_size=4, num_workers=2, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='BaseSegDataset', data_root='d', ann_file='splits/train.txt',
                 data_prefix=dict(img_path='img', seg_map_path='ann'), indices=100,
                 pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
                           dict(type='Albu', transforms=[dict(type='Blur')]), dict(type='PackSegInputs')]))
val_dataloader = dict(
    dataset=dict(type='BaseSegDataset', data_root='d', ann_file='splits/val.txt',
                 data_prefix=dict(img_path='img', seg_map_path='ann'),
                 pipeline=[dict(type='LoadImageFromFile'), dict(type='Resize', scale=(2048, 512), keep_ratio=True),
                           dict(type='LoadAnnotations'), dict(type='PackSegInputs')]))
val_evaluator = dict(type='CityscapesMetric')
model = dict(type='EncoderDecoder',
             backbone=dict(type='VisionTransformer', patch_size=16, embed_dims=192, num_layers=12, num_heads=3),
             decode_head=dict(type='UPerHead', channels=256, num_classes=3))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-4))
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=5)
