# SPDX-License-Identifier: Apache-2.0
# Writes the manual pages, which the command makes of its own tables. usage:
# cmake -DVAGUS=COMMAND "-DVERBS=ps show …" -DOUTPUT=FOLDER -P pages.cmake
separate_arguments(VERBS)
file(MAKE_DIRECTORY ${OUTPUT})
execute_process(COMMAND ${VAGUS} help --man OUTPUT_FILE ${OUTPUT}/vagus.1
    COMMAND_ERROR_IS_FATAL ANY)
foreach(verb ${VERBS})
    execute_process(COMMAND ${VAGUS} help ${verb} --man OUTPUT_FILE ${OUTPUT}/vagus-${verb}.1
        COMMAND_ERROR_IS_FATAL ANY)
endforeach()
