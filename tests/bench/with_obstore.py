"""Reads a bucket with obstore and drops the bytes: python with_obstore.py URL BUCKET[,BUCKET...] CONCURRENCY

Pages are listed while objects are read. What is larger than PART is asked for in
ranges, as all other tools here do; every request counts for the concurrency.
"""

import asyncio
import os
import sys

import obstore
from obstore.store import S3Store

PART = 8 << 20


async def main(url, buckets, concurrency):
    places = asyncio.Semaphore(concurrency)
    failures = []

    async def read(store, path, start, end):
        try:
            if start is None:
                await (await obstore.get_async(store, path)).bytes_async()
            else:
                await obstore.get_range_async(store, path, start=start, end=end)
        except Exception as error:
            failures.append(error)
        finally:
            places.release()

    async with asyncio.TaskGroup() as tasks:
        for bucket in buckets:
            store = S3Store(
                bucket,
                endpoint=url,
                region=os.environ["AWS_REGION"],
                access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
                secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
                virtual_hosted_style_request=False,
                client_options={"allow_http": True, "timeout": "10m"},
            )
            async for page in obstore.list(store, chunk_size=1000):
                for item in page:
                    path, size = item["path"], item["size"]
                    ranges = [(None, None)] if size <= PART else [(at, min(at + PART, size)) for at in range(0, size, PART)]
                    for start, end in ranges:
                        await places.acquire()
                        tasks.create_task(read(store, path, start, end))
    if failures:
        sys.exit(f"{len(failures)} requests failed, the first with: {failures[0]}")


asyncio.run(main(sys.argv[1], sys.argv[2].split(","), int(sys.argv[3])))
