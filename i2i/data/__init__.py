"""From files to batches: data sets, and the endless stream of their samples."""

from i2i.data.demo import Demo
from i2i.data.demo_files import write_demo
from i2i.data.domain_options import DomainSet
from i2i.data.domains import Domains
from i2i.data.image_source import Images
from i2i.data.masks import Masks
from i2i.data.paired import Paired
from i2i.data.shards import Shards
from i2i.data.stream import Stream
from i2i.data.unpaired import Unpaired

__all__ = [
    "Demo",
    "DomainSet",
    "Domains",
    "Images",
    "Masks",
    "Paired",
    "Shards",
    "Stream",
    "Unpaired",
    "write_demo",
]
