"""From files to searchable rows: what is listed, how it is cut, and the engine run that keeps both in step."""
