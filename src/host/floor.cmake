# SPDX-License-Identifier: Apache-2.0
# Writes OUTPUT: for each function that a header of src/host declares and none of SOURCES defines,
# one that knows nothing. So whatever sense is added, a floor build links, and says "unsupported".
# HEADERS and SOURCES are separated by spaces.
separate_arguments(HEADERS)
separate_arguments(SOURCES)

set(defined "")
foreach(file ${SOURCES})
    file(READ ${file} text)
    string(APPEND defined "\n${text}")
endforeach()

set(includes "")
set(functions "")
foreach(file ${HEADERS})
    file(READ ${file} text)
    cmake_path(GET file FILENAME name)
    string(APPEND includes "#include \"host/${name}\"\n")
    # Lists of CMake are split at semicolons and brackets: neither may come in the text.
    string(REGEX REPLACE "/\\*([^*]|\\*+[^*/])*\\*+/" "" text "${text}")
    string(REGEX REPLACE "__attribute__\\(\\([^)]*\\)?[^)]*\\)\\)" "" text "${text}")
    string(REPLACE ";" "@" text "${text}")
    string(REPLACE "[" "<:" text "${text}")
    string(REPLACE "]" ":>" text "${text}")
    string(REGEX MATCHALL "\n[a-z][a-z0-9_ ]*[ *][a-z0-9_]+\\([^@{}()]*(\\([^@{}()]*\\)[^@{}()]*)*\\)@" found "${text}")
    foreach(prototype ${found})
        string(REGEX REPLACE "^\n" "" prototype "${prototype}")
        string(REPLACE "@" "" prototype "${prototype}")
        if(NOT prototype MATCHES "^([a-z][a-z0-9_ ]*[ *])([a-z0-9_]+)\\(")
            continue()
        endif()
        set(type "${CMAKE_MATCH_1}")
        set(function "${CMAKE_MATCH_2}")
        if(type MATCHES "^(static|typedef|extern)" OR defined MATCHES "\n[a-z][^\n]*[ *]${function}\\([^;]*\n{")
            continue()
        endif()
        string(REPLACE "<:" "[" prototype "${prototype}")
        string(REPLACE ":>" "]" prototype "${prototype}")
        if(type MATCHES "^int ")
            set(body "return VAGUS_EUNSUPPORTED;")
        elseif(type MATCHES "^void $")
            set(body "")
        else()
            set(body "return 0;")
        endif()
        string(APPEND functions "\n${prototype}\n{\n    ${body}\n}\n")
    endforeach()
endforeach()
file(WRITE ${OUTPUT} "/* Written by src/host/floor.cmake: what is not known here. */
${includes}
#pragma GCC diagnostic ignored \"-Wunused-parameter\"
${functions}")
