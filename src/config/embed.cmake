# SPDX-License-Identifier: Apache-2.0
# Writes the presets as C arrays, in the order of their table:
# cmake -DTABLE=…/presets.def -DOUTPUT=… -P embed.cmake
file(STRINGS ${TABLE} lines REGEX "^VAGUS_PRESET\\(")
get_filename_component(folder ${TABLE} DIRECTORY)
set(arrays "")
set(texts "")
foreach(line IN LISTS lines)
    string(REGEX REPLACE "^[^(]*\\(([a-z0-9-]+).*" "\\1" name "${line}")
    string(REPLACE "-" "_" symbol "${name}")
    file(READ ${folder}/${name}.yaml bytes HEX)
    string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
    string(REPLACE "'\\x0a'," "'\\n',\n    " bytes "${bytes}")
    string(APPEND arrays "static const char text_${symbol}[] = {\n    ${bytes}0};\n")
    string(APPEND texts "    {text_${symbol}, sizeof(text_${symbol}) - 1},\n")
endforeach()
file(WRITE ${OUTPUT} "/* Made from presets.def and its YAML files by src/config/embed.cmake. */
#include \"config/preset.h\"

${arrays}
const struct preset_text preset_texts[] = {
${texts}};
")
