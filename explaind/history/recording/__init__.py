"""What watches a training and writes its path: the recorder, its checks, the store that grows."""
