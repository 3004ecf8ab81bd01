# Writes OUT, a C file with the text of IN: cmake -DIN=... -DOUT=... -P embed.cmake
file(READ "${IN}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(([^,]*,){20})" "\\1\n" bytes "${bytes}")
file(WRITE "${OUT}" "#include \"definition.h\"

static const unsigned char text[] = {
${bytes}
};

struct gen_str hds_definitions_text(void)
{
    return (struct gen_str){(const char *)text, sizeof(text)};
}
")
