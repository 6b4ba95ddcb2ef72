# SPDX-License-Identifier: Apache-2.0
# Writes a file as a C array: cmake -DINPUT=… -DOUTPUT=… -P embed.cmake
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
string(REPLACE "'\\x0a'," "'\\n',\n    " bytes "${bytes}")
get_filename_component(name ${INPUT} NAME)
file(WRITE ${OUTPUT} "/* Made from ${name} by src/config/embed.cmake. */
#include \"config/default_policy.h\"

const char config_default_policy[] = {
    ${bytes}0};
const size_t config_default_policy_bytes = sizeof(config_default_policy) - 1;
")
