"""What is stored becomes voxels: decoded, displayed, searched for text, brought onto another grid."""
