"""Work that needs no Python while it lasts (hashing and writing of files), beside what Python does meanwhile."""

from concurrent.futures import ThreadPoolExecutor

later = ThreadPoolExecutor(max_workers=2, thread_name_prefix="background").submit
