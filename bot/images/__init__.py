"""The darkroom: picture bytes and the words that travel inside them.

`infotext` is the grammar of the web UI's PNG info, `pnginfo` puts it into PNG, JPEG and WebP
files and takes it out again without decoding a pixel, `codec` decodes, checks and bounds what
arrives and makes smaller pictures for an upload limit. Only `codec.shrink_to` and
`codec.thumbnail` run Pillow on pixels; everything else is a walk over headers.
"""
