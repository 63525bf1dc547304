"""A walk through the published client ``nc-py-api``; runs in the environment that has it. Usage: URL LOGIN."""

import datetime
import io
import json
import os
import sys
import time

from nc_py_api import Nextcloud
from nc_py_api.files import FilePermissions, ShareType

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
time.sleep(1.1)  # versions are told apart by the second
files.upload("dir/f.txt", b"hello again")
seen["same identity"] = files.by_path("dir/f.txt").file_id == before
versions = files.get_versions(files.by_path("dir/f.txt"))
seen["versions"] = [each.info.content_length for each in versions]
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
seen["deleted from"] = [each.info.trashbin_original_location for each in trash]
files.trashbin_restore(trash[0])
seen["after restoring"] = sorted(each.name for each in files.listdir(""))
sharing = files.sharing
link = sharing.create(
    "dir",
    ShareType.TYPE_LINK,
    permissions=FilePermissions.PERMISSION_CREATE,
    password="a secret",
    label="drop",
    expire_date=datetime.datetime(2099, 1, 31),
)
seen["link"] = [link.path, link.label, int(link.permissions), bool(link.password), str(link.expire_date)]
seen["link leads to"] = link.url.rpartition("/")[2] == link.token
seen["changed"] = sharing.update(link, label="drop here").label
seen["links"] = [sharing.get_by_id(each.share_id).label for each in sharing.get_list(path="dir")]
sharing.delete(link)
seen["links after"] = sharing.get_list(path="dir")
files.delete("h.txt")
files.trashbin_delete(next(each for each in files.trashbin_list() if each.info.trashbin_filename == "h.txt"))
files.delete("dir")
files.trashbin_cleanup()
seen["emptied"] = files.trashbin_list()
print(json.dumps(seen))  # noqa: T201
