"""A walk through the published client ``nc-py-api``; runs in the environment that has it. Usage: URL LOGIN."""

import io
import json
import os
import sys

from nc_py_api import Nextcloud

nextcloud = Nextcloud(nextcloud_url=sys.argv[1], nc_auth_user=sys.argv[2], nc_auth_pass=os.environ["PASSWORD"])
files = nextcloud.files
files.mkdir("dir")
files.upload("dir/f.txt", b"hello")
seen = {
    "user": nextcloud.user,
    "content": files.download("dir/f.txt").decode(),
    "listed": [[each.name, each.info.permissions] for each in files.listdir("dir")],
}
before = files.by_path("dir/f.txt").file_id
files.upload("dir/f.txt", b"hello again")
seen["same identity"] = files.by_path("dir/f.txt").file_id == before
versions = files.get_versions(files.by_path("dir/f.txt"))
seen["versions"] = len(versions)
files.restore_version(versions[0])
seen["restored"] = files.download("dir/f.txt").decode()
moved = files.move("dir/f.txt", "dir/g.txt")
seen["moved"] = moved.user_path
files.copy("dir/g.txt", "h.txt")
files.upload_stream("big.bin", io.BytesIO(bytes(25_000_000)), chunk_size=10 * 1024 * 1024)
seen["streamed"] = files.by_path("big.bin").info.size
files.delete("dir")
trash = files.trashbin_list()
seen["trash"] = [each.info.trashbin_filename for each in trash]
files.trashbin_restore(trash[0])
seen["after restoring"] = sorted(each.name for each in files.listdir(""))
print(json.dumps(seen))  # noqa: T201
