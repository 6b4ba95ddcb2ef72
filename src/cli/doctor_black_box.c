/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the segment outlives what ends the agent: its container, the login that it was started
 * from, the machine. */
#include <pwd.h>
#include <stdio.h>
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
        doctor_advise(doctor_add(doctor, DOCTOR_BLACK_BOX, DOCTOR_CHANGE, "container",
                                 "does not outlive the container, whose own tmpfs this is unless "
                                 "it was mounted from outside"),
                      "mount a tmpfs of the host into the container (docker run -v "
                      "/run/vagus:/run/vagus) and set segment.dir in the policy to it");
    else
        judge_login(doctor, root);
    doctor_add(doctor, DOCTOR_BLACK_BOX, DOCTOR_FINE, "reboot",
               "does not outlive one: it is memory");
    look_at_room(doctor);
}
