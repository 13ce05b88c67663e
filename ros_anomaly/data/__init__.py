"""Labels, frames, stores of frames and negatives, mixed content and augmentation."""
