# The page of `generator report`: npm fetches Chart.js and esbuild into the build folder, and web/build.mjs makes one C
# file of them and of web/report/. Configuring fails when that cannot be done, because a program without its page is no
# surprise that anybody wants at run time; -DGEN_REPORT=OFF builds without it.

option(GEN_REPORT "Build the page of `generator report` (needs node, npm and its registry)" ON)

# gen_report_page(variable): the C file with the page, in `variable`.
function(gen_report_page variable)
    if(NOT GEN_REPORT)
        set(${variable} ${PROJECT_SOURCE_DIR}/src/report/page_none.c PARENT_SCOPE)
        return()
    endif()
    set(why "run scripts/setup, or configure with -DGEN_REPORT=OFF to build without `generator report`")
    find_program(GEN_NODE NAMES node nodejs)
    find_program(GEN_NPM npm)
    if(NOT GEN_NODE OR NOT GEN_NPM)
        message(FATAL_ERROR "node and npm are needed to build the page of `generator report`; ${why}")
    endif()
    set(web ${PROJECT_SOURCE_DIR}/web)
    set(folder ${CMAKE_BINARY_DIR}/web)
    set(stamp ${folder}/node_modules/.generator-lock)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${web}/package.json ${web}/package-lock.json)
    file(MAKE_DIRECTORY ${folder})
    set(is_there 1)
    if(EXISTS ${stamp})
        execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${web}/package-lock.json ${stamp}
                        RESULT_VARIABLE is_there)
    endif()
    if(NOT is_there EQUAL 0)
        message(STATUS "Installing the packages of the report's page (npm ci)")
        file(COPY ${web}/package.json ${web}/package-lock.json DESTINATION ${folder})
        execute_process(COMMAND ${GEN_NPM} ci --ignore-scripts --no-audit --no-fund --loglevel=error
                        WORKING_DIRECTORY ${folder} RESULT_VARIABLE failed OUTPUT_QUIET ERROR_VARIABLE said)
        if(NOT failed EQUAL 0)
            message(FATAL_ERROR "npm ci failed in ${folder} (is the npm registry reachable?); ${why}\n${said}")
        endif()
        configure_file(${web}/package-lock.json ${stamp} COPYONLY)
    endif()
    set(page ${CMAKE_CURRENT_BINARY_DIR}/page_data.c)
    file(GLOB sources CONFIGURE_DEPENDS ${web}/report/*)
    add_custom_command(
        OUTPUT ${page}
        COMMAND ${CMAKE_COMMAND} -E env NODE_PATH=${folder}/node_modules
                ${GEN_NODE} ${web}/build.mjs ${web}/report ${page}
        DEPENDS ${web}/build.mjs ${sources} ${stamp}
        COMMENT "Bundling the report's page"
        VERBATIM)
    set(${variable} ${page} PARENT_SCOPE)
endfunction()
