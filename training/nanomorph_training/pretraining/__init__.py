"""Self-supervised pretraining of an encoder: SimCLR (Chen et al. 2020) and Barlow Twins (Zbontar et al. 2021)."""
