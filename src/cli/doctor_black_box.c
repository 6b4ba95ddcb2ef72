/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the segment outlives what ends the agent: its container, the login that it was started
 * from, the machine. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/doctor_place.h"

/* From here on users are people, whose leavings logind removes. */
#define FIRST_LOGIN_UID 1000

/* logind is asked by its file, and its default is yes. */
static bool logind_removes(const char *root)
{
    char text[16384];
    if (!doctor_exists(root, "/run/systemd/system"))
        return false;
    if (!doctor_read(root, "/etc/systemd/logind.conf", text, sizeof(text)))
        return true;
    const char *key = strstr(text, "\nRemoveIPC=");
    return key == NULL || strncmp(key + 11, "no", 2) != 0;
}

static bool lingers(const char *root, const char *user)
{
    char path[320];
    snprintf(path, sizeof(path), "/var/lib/systemd/linger/%.200s", user);
    return doctor_exists(root, path);
}

/* Free room, where the next segments must find theirs. */
static void look_at_room(struct doctor *doctor)
{
    struct statvfs fs;
    char folder[256], size[32];
    struct text text;
    text_copy(folder, sizeof(folder), doctor->segment_path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder)
        return;
    *slash = '\0';
    if (statvfs(folder, &fs) != 0)
        return;
    double free_bytes = (double)fs.f_bavail * (double)fs.f_frsize;
    text_init(&text, size, sizeof(size));
    text_add_size(&text, free_bytes);
    if (free_bytes >= 32.0 * 1024 * 1024)
        return;
    doctor_advise(doctor_add(doctor, DOCTOR_BLACK_BOX, DOCTOR_CHANGE, "room",
                             "%s are left in %.120s", size, folder),
                  "make it larger (docker run --shm-size), or set segment.size and segment.keep "
                  "smaller in the policy");
}

static void judge_login(struct doctor *doctor, const char *root)
{
    struct passwd *user = getpwuid(geteuid());
    const char *name = user != NULL ? user->pw_name : "this user";
    bool session = strncmp(doctor->segment_path, "/run/user/", 10) == 0;
    if (user != NULL && lingers(root, name)) {
        doctor_add(doctor, DOCTOR_BLACK_BOX, DOCTOR_FINE, "login", "outlives it: %.60s lingers",
                   name);
        return;
    }
    if (session || (logind_removes(root) && geteuid() >= FIRST_LOGIN_UID &&
                    strncmp(doctor->segment_path, "/dev/shm/", 9) == 0))
        doctor_advise(doctor_add(doctor, DOCTOR_BLACK_BOX, DOCTOR_CHANGE, "login",
                                 "does not outlive the last logout of %.60s: %s", name,
                                 session ? "XDG_RUNTIME_DIR goes with the session"
                                         : "logind removes the user's shared memory (RemoveIPC)"),
                      "loginctl enable-linger %.60s, or run the agent as a system service", name);
    else
        doctor_add(doctor, DOCTOR_BLACK_BOX, DOCTOR_FINE, "login",
                   "outlives it: nothing here removes it at logout");
}

/* Of the mount that holds a path, as mountinfo tells it: where it is mounted, and what part of its
 * file system. False if it cannot be told. */
static bool mount_of(const char *root, const char *path, char point[256], char part[256])
{
    static char text[256 * 1024];
    size_t longest = 0;
    if (!doctor_read(root, "/proc/self/mountinfo", text, sizeof(text)))
        return false;
    for (char *line = text, *next; *line != '\0'; line = next) {
        char its_part[256], its_point[256];
        size_t length = strcspn(line, "\n");
        next = line + length + (line[length] == '\n');
        line[length] = '\0';
        if (sscanf(line, "%*s %*s %*s %255s %255s", its_part, its_point) != 2)
            continue;
        length = strlen(its_point);
        bool within = strncmp(path, its_point, length) == 0 &&
                      (length == 1 || path[length] == '/' || path[length] == '\0');
        if (!within || length < longest)
            continue;
        longest = length;
        text_copy(point, 256, its_point);
        text_copy(part, 256, its_part);
    }
    return longest > 0;
}

/* What Kubernetes puts into each container that may ask it. */
static bool is_pod(const char *root)
{
    return doctor_exists(root, "/var/run/secrets/kubernetes.io") ||
           (root == NULL && getenv("KUBERNETES_SERVICE_HOST") != NULL);
}

static void judge_container(struct doctor *doctor, const char *root)
{
    char point[256], part[256];
    if (mount_of(root, doctor->segment_path, point, part) && strcmp(part, "/") != 0) {
        doctor_add(doctor, DOCTOR_BLACK_BOX, DOCTOR_FINE, "container",
                   "outlives it: %.80s is a part (%.80s) of a file system from outside", point,
                   part);
        return;
    }
    if (is_pod(root))
        doctor_advise(doctor_add(doctor, DOCTOR_BLACK_BOX, DOCTOR_CHANGE, "container",
                                 "does not outlive the pod; a restart of the container alone, it "
                                 "does where the pod's containers share this tmpfs (/dev/shm under "
                                 "containerd and CRI-O, or an emptyDir of medium Memory)"),
                      "mount an emptyDir of medium Memory, or a hostPath on tmpfs to outlive the "
                      "pod too, and set segment.dir in the policy to it");
    else
        doctor_advise(doctor_add(doctor, DOCTOR_BLACK_BOX, DOCTOR_CHANGE, "container",
                                 "does not outlive the container, whose own tmpfs this is unless "
                                 "it was mounted from outside"),
                      "mount a tmpfs of the host into the container (docker run -v "
                      "/run/vagus:/run/vagus) and set segment.dir in the policy to it");
}

/* A service's folder below /run, which systemd makes and removes. */
static bool judge_service(struct doctor *doctor)
{
    const char *folders = getenv("RUNTIME_DIRECTORY");
    while (folders != NULL && *folders != '\0') {
        size_t length = strcspn(folders, ":");
        if (length > 0 && strncmp(doctor->segment_path, folders, length) == 0 &&
            doctor->segment_path[length] == '/') {
            doctor_advise(doctor_add(doctor, DOCTOR_BLACK_BOX, DOCTOR_CHANGE, "service",
                                     "does not outlive the service: systemd removes its "
                                     "RuntimeDirectory %.*s when it stops",
                                     (int)(length < 120 ? length : 120), folders),
                          "set RuntimeDirectoryPreserve=yes in the unit, or segment.dir in the "
                          "policy to a folder of /dev/shm");
            return true;
        }
        folders += length + (folders[length] == ':');
    }
    return false;
}

void doctor_look_at_black_box(struct doctor *doctor, const char *root)
{
    if (doctor->segment_path[0] == '\0') {
        doctor_advise(doctor_add(doctor, DOCTOR_BLACK_BOX, DOCTOR_SERIOUS, "segment",
                                 "none: it is anonymous memory, which nobody can look at and "
                                 "nothing is left of: %.150s",
                                 doctor->why_anonymous),
                      "make that folder usable (tmpfs, owned by the agent's user, mode 0700, room "
                      "for 8 MiB), or set segment.dir in the policy");
        return;
    }
    doctor_add(doctor, DOCTOR_BLACK_BOX, DOCTOR_FINE, "segment", "on tmpfs, in %.*s",
               (int)(strrchr(doctor->segment_path, '/') - doctor->segment_path),
               doctor->segment_path);
    doctor_add(doctor, DOCTOR_BLACK_BOX, DOCTOR_FINE, "kill",
               "outlives the process, kill -9 and the OOM killer included");
    if (doctor->container)
        judge_container(doctor, root);
    else if (!judge_service(doctor))
        judge_login(doctor, root);
    doctor_add(doctor, DOCTOR_BLACK_BOX, DOCTOR_FINE, "reboot",
               "does not outlive one: it is memory");
    look_at_room(doctor);
}
